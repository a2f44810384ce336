file=/etc/sysconfig/network-scripts/route-eth0
state=$(cat "$file" 2>/dev/null | awk -v to=@to@ -v net=@net@ -v mask=@mask@ -v gateway=@gateway@ '
    { sub(/#.*/, "") }
    NF == 0 { next }
    /^[ \t]*(ADDRESS|NETMASK|GATEWAY)[0-9]+=/ {
        split($1, part, "="); number = part[1]; gsub(/[A-Z]/, "", number); gsub(/[0-9]/, "", part[1])
        gsub(/[^0-9.]/, "", part[2]); value[part[1], number] = part[2]; count += part[1] == "ADDRESS"; next
    }
    {
        $1 = $1; sub(/^to /, ""); lines++
        if ($0 == to " via " gateway || $0 == to " via " gateway " dev eth0") found = 1
        else if ($1 == to || $1 == net || $1 == net "/" mask) odd = "has another route to " to
    }
    END {
        for (n = 0; ("ADDRESS", n) in value; n++) if (value["ADDRESS", n] == net && value["NETMASK", n] == mask) {
            if (value["GATEWAY", n] == gateway) found = 1; else odd = "has another route to " to
        }
        if (count && (lines || n != count)) odd = "has numbered routes and others, or a number is missing"
        print odd ? odd : found ? "present" : count ? n : "absent"
    }')
case $state in
    present) ;;
    absent) end_line "$file"; echo '@to@ via @gateway@ dev eth0' >> "$file" ;;
    [0-9]*) end_line "$file"; printf 'ADDRESS%s=@net@\nNETMASK%s=@mask@\nGATEWAY%s=@gateway@\n' "$state" "$state" "$state" >> "$file" ;;
    *) fail "$file $state" ;;
esac
