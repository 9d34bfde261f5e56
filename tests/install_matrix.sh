#!/bin/sh
# Does it install, and does it run then? For each Python given, e.g.
#
#     sh tests/install_matrix.sh python3.10 python3.11 python3.12 python3.13 python3.14
#
# the README's two lines are gone through in a fresh copy of the last commit, in a folder with spaces and letters that
# are not ASCII in its name, with a home folder of its own, without a compiler and without a display: with the newest
# versions of what the package needs, and then with the oldest that setup.cfg allows and of which there are wheels.
# VERSIONS=newest does the first part only.
# Whoever is root becomes an ordinary user for it, and has no network after the install. What ran stands in a line each.

set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
mkdir -m 777 "$place/pip"
if [ "$(id -u)" = 0 ]; then
    user='setpriv --reuid=65534 --regid=65534 --clear-groups' cut_off='unshare -n'
else
    user='' cut_off=''
fi
# What setup.cfg asks for at least, as versions to be had exactly.
sed -n '/^install_requires/,/^$/s/^ *\([a-z-]*\)>=\(.*\)/\1==\2.*/p' "$here/setup.cfg" > "$place/oldest.txt"
: > "$place/newest.txt"
# Of these there are no wheels for Python 3.13 and 3.14 so old: the first that have some.
sed -e 's/^numpy==.*/numpy==2.1.*/; s/^scipy==.*/scipy==1.14.1/; s/^scikit-image==.*/scikit-image==0.25.*/' \
    -e 's/^pillow==.*/pillow==11.0.*/; s/^matplotlib==.*/matplotlib==3.9.2/; s/^loky==.*/loky==3.5.*/' "$place/oldest.txt" > "$place/oldest-3.13.txt"
sed -e 's/^numpy==.*/numpy==2.3.*/; s/^scipy==.*/scipy==1.16.*/; s/^scikit-image==.*/scikit-image==0.26.*/' \
    -e 's/^pillow==.*/pillow==12.0.*/; s/^matplotlib==.*/matplotlib==3.10.*/; s/^loky==.*/loky==3.5.*/' "$place/oldest.txt" > "$place/oldest-3.14.txt"
chmod 644 "$place"/*.txt

run() {  # run WORDS...: as an ordinary user, with nothing in the environment that would help
    # shellcheck disable=SC2086
    env -u DISPLAY -u PYTHONPATH -u MPLBACKEND -u XDG_CACHE_HOME HOME="$home" CC=/bin/false CXX=/bin/false \
        PIP_CACHE_DIR="${PIP_CACHE_DIR:-$place/pip}" OPENBLAS_NUM_THREADS=1 $alone $user "$@"
}

check() {  # check NAME WORDS...: run Python with these words; what goes wrong is noted
    name=$1
    shift
    run .venv/bin/python "$@" > "$home/log" 2>&1 ||
        failed="$failed $name: $(grep -E '^(FAILED|E  |minirnn:)' "$home/log" || tail -n 1 "$home/log");"
}

try() {  # try PYTHON VERSIONS
    home="$place/Ana Müller, 手書き $(basename "$1") $2"
    mkdir -p "$home/mini rnn"
    git -C "$here" archive HEAD | tar -x -C "$home/mini rnn"
    [ -z "$user" ] || chown -R 65534:65534 "$home"
    cd "$home/mini rnn"
    printf '%s, %s: ' "$("$1" --version)" "$2"
    alone='' failed='' versions="$place/$2.txt"
    case "$2 $("$1" --version)" in
        'oldest Python 3.13.'*) versions="$place/oldest-3.13.txt" ;;
        'oldest Python 3.14.'*) versions="$place/oldest-3.14.txt" ;;
    esac
    if ! { run "$1" -m venv .venv && run .venv/bin/pip install -q --prefer-binary -c "$versions" -e '.[test]'; } \
        > "$home/log" 2>&1; then
        echo "does not install: $(tail -n 1 "$home/log")"
        return
    fi
    printf '%s' "$(.venv/bin/pip list --format freeze 2> /dev/null |
        grep -iE '^(numpy|scipy|scikit-image|pillow|matplotlib)=' | tr '\n' ' ')"
    alone=$cut_off
    check gradcheck -W error::DeprecationWarning -m minirnn.gradcheck
    check train -m minirnn.train --text minirnn/datasets/letters.txt --steps 20 --hidden 32 --evaluations 2 --out "runs/a b"
    check resume -m minirnn.train --resume 'runs/a b'
    check generate -m minirnn.generate 'runs/a b' --length 20
    check write -m minirnn.write 'Dear Ana, thank you.' -o 'a letter é.png'
    check sheet -m minirnn.sheet -o sheet.pdf
    check tests -m pytest -q -x -p no:cacheprovider tests/test_checkpoint.py tests/test_optim.py tests/test_alphabets.py \
        tests/test_recordings.py tests/test_labelled.py tests/test_images_trace.py tests/test_errors.py \
        tests/test_drawing_files.py tests/test_all_cores.py tests/test_local_server.py
    echo "${failed:-all right}"
    cd "$here"
    rm -rf "$home"
}

for python in "$@"; do
    for versions in ${VERSIONS:-newest oldest}; do
        try "$(command -v "$python")" "$versions"
    done
done
