file=/etc/sysconfig/network/ifroute-eth0
state=$(cat "$file" 2>/dev/null | awk -v to=@to@ -v net=@net@ -v mask=@mask@ -v gateway=@gateway@ '
    { sub(/#.*/, "") }
    $1 == to || ($1 == net && $3 == mask) {
        if ($2 == gateway && ($4 == "" || $4 == "-" || $4 == "eth0") && NF <= 4) found = 1
        else odd = "has another route to " to
    }
    END { print odd ? odd : found ? "present" : "absent" }')
case $state in
    present) ;;
    absent) end_line "$file"; echo '@to@ @gateway@ - eth0' >> "$file" ;;
    *) fail "$file $state" ;;
esac
