file=/etc/netplan/90-classiclink.yaml
wanted=$(cat <<'END'
network:
  version: 2
  ethernets:
    eth0:
      routes:
        - to: @to@
          via: @gateway@
END
)
if [ ! -f "$file" ]; then
    # Beside a NIC of another name it would be a second one for the same device, without its addresses.
    cat /etc/netplan/*.yaml | grep -Eq "^[^#]*(^|[[:space:]{,])[\"']?eth0[\"']?[[:space:]]*:" ||
        fail "/etc/netplan has no NIC called eth0 to add a route to"
    ! cat /etc/netplan/*.yaml | grep -Eq "^[^#]*to:[[:space:]]*[\"']?@net@/16" ||
        fail "/etc/netplan has another route to @to@"
    (umask 077 && echo "$wanted" > "$file")
elif [ "$(cat "$file")" != "$wanted" ]; then
    fail "$file says something else"
fi
