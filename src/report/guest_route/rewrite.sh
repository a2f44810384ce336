rewrite() {
    old=$1 new=$(mktemp); shift
    awk "$@" "$old" > "$new"
    [ "$(cat "$new")" = "$(cat "$old")" ] || cat "$new" > "$old"
    rm -f "$new"
}
