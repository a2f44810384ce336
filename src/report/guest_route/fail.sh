fail() { echo "$*: nothing was changed" >&2; exit 1; }
