file=/etc/sysconfig/network-scripts/route-eth0
[ ! -f "$file" ] || rewrite "$file" -v line='@to@ via @gateway@ dev eth0' -v net=@net@ -v mask=@mask@ -v gateway=@gateway@ '
    { text[NR] = $0; words = $0; gsub(/[ \t]+/, " ", words); sub(/^ /, "", words); sub(/ $/, "", words); own[NR] = words == line }
    /^[ \t]*(ADDRESS|NETMASK|GATEWAY)[0-9]+=/ {
        split($1, part, "="); number = part[1]; gsub(/[A-Z]/, "", number); gsub(/[0-9]/, "", part[1])
        gsub(/[^0-9.]/, "", part[2]); value[part[1], number] = part[2]; name[NR] = part[1]; of[NR] = number
    }
    END {
        gone = -1
        for (n = 0; ("ADDRESS", n) in value; n++)
            if (value["ADDRESS", n] == net && value["NETMASK", n] == mask && value["GATEWAY", n] == gateway) gone = n
        for (i = 1; i <= NR; i++) {
            if (own[i] || ((i in of) && of[i] == gone)) continue
            # The numbers behind it close the gap.
            if ((i in of) && gone >= 0 && of[i] > gone) sub(name[i] of[i] "=", name[i] (of[i] - 1) "=", text[i])
            print text[i]
        }
    }'
