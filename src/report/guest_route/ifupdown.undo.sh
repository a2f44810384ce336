for file in $(interfaces_files); do
    [ ! -f "$file" ] || rewrite "$file" -v own='@up_line@' '
        { words = $0; gsub(/[ \t]+/, " ", words); sub(/^ /, "", words); sub(/ $/, "", words) }
        words != own'
done
