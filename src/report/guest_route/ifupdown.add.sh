target='' place='' present=''
for file in $(interfaces_files); do
    [ -f "$file" ] || continue
    state=$(awk -v to=@to@ -v net=@net@ -v gateway=@gateway@ -v own='@up_line@' '
        {
            line = $0
            while (line ~ /\\$/ && (getline more) > 0) { sub(/\\$/, " ", line); line = line more }
            gsub(/[ \t]+/, " ", line); sub(/^ /, "", line); sub(/ $/, "", line)
            split(line, word, " ")
        }
        line == "" || line ~ /^#/ { next }
        word[1] == "iface" { inside = word[2] == "eth0" && word[3] == "inet"; if (inside && !place) place = FNR; next }
        word[1] ~ /^(auto|mapping|template|source|source-directory|no-auto-down|no-scripts|allow-.*)$/ { inside = 0 }
        inside && word[1] ~ /^(up|post-up)$/ {
            sub(/^(post-)?up /, "", line); sub(/^(\/usr)?\/s?bin\//, "", line); sub(/ \|\| (true|:)$/, "", line)
            known = "up " line
            if (known == own || known " dev eth0" == own || line == "ip route add " to " via " gateway \
                || line == "ip route add " to " via " gateway " dev eth0") found = 1
            else if (index(" " line " ", " " to " ") || index(" " line " ", " " net " ")) odd = "has another route to " to
        }
        END { print odd ? odd : found ? "present" : place ? place : "none" }' "$file")
    case $state in
        present) present=yes ;;
        none) ;;
        [0-9]*) [ -n "$target" ] || { target=$file place=$state; } ;;
        *) fail "$file $state" ;;
    esac
done
if [ -z "$present" ]; then
    [ -n "$target" ] || fail "/etc/network/interfaces has no \`iface eth0 inet\`, nor has a file that it names"
    rewrite "$target" -v place="$place" -v line='    @up_line@' '{ print } FNR == place { print line }'
fi
