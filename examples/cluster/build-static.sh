#!/bin/sh
# Builds the program that runs on any Linux of this architecture: static, stripped, without paths of this machine.
#
#   examples/cluster/build-static.sh [FILE]      FILE: where it is put (target/static/biplane)
#
# It needs the static C library beside the shared one; on Debian and Ubuntu that is in `libc6-dev`.
set -eu

to=${1:-target/static/biplane}
case $to in /*) ;; *) to=$PWD/$to ;; esac
cd "$(dirname "$0")/../.."
root=$(pwd -P)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
host=$(rustc -vV | sed -n 's/^host: //p')

# Flags are separated by the byte 0x1f, so that folders may have blanks in their names. Where two prefixes fit a path,
# the later one is taken.
separator=$(printf '\037')
flags=
for flag in "-Ctarget-feature=+crt-static" "-Cstrip=symbols" \
    "--remap-path-prefix=$(rustc --print sysroot)=/rust" \
    "--remap-path-prefix=$cargo_home=/cargo" \
    "--remap-path-prefix=$root=/biplane"; do
    flags=$flags${flags:+$separator}$flag
done

# With a target named, the flags are not used for procedural macros, which cannot be static.
CARGO_ENCODED_RUSTFLAGS=$flags \
    CFLAGS="${CFLAGS:-} -ffile-prefix-map=$cargo_home=/cargo" \
    cargo build --release --locked --bin biplane --target "$host" --target-dir "$root/target"

mkdir -p "$(dirname "$to")"
cp "$root/target/$host/release/biplane" "$to"
printf 'built %s\n' "$to" >&2
