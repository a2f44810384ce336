interfaces_files() (
    cd /etc/network
    for file in interfaces $(awk '$1 == "source" { print $2 } $1 == "source-directory" { print $2 "/*" }' interfaces); do
        case $file in /*) ;; *) file=$PWD/$file ;; esac
        echo "$file"
    done
)
