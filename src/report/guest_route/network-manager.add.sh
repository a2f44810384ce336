connection=$(nmcli -t -e no -f GENERAL.CONNECTION device show eth0 | cut -d: -f2-)
case $connection in '' | --) fail 'NetworkManager has no connection on eth0' ;; esac
case $(nmcli -t -e no -f ipv4.routes connection show id "$connection") in
    *'@to@ @gateway@'* | *'ip = @to@, nh = @gateway@'*) ;;
    *'@to@'*) fail "the connection $connection has another route to @to@" ;;
    *) nmcli connection modify id "$connection" +ipv4.routes '@to@ @gateway@' ;;
esac
