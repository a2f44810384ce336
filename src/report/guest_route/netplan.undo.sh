rm -f /etc/netplan/90-classiclink.yaml
