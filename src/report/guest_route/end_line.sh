end_line() { [ -z "$(tail -c 1 "$1" 2>/dev/null)" ] || echo >> "$1"; }
