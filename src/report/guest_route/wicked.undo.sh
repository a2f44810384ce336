file=/etc/sysconfig/network/ifroute-eth0
[ ! -f "$file" ] || rewrite "$file" -v line='@to@ @gateway@ - eth0' '
    { words = $0; gsub(/[ \t]+/, " ", words); sub(/^ /, "", words); sub(/ $/, "", words) }
    words != line'
