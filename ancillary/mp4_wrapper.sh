#!/usr/bin/env bash
# Makes films of downloaded events: joins each event's chunks, opening sealed ones, and wraps them into one .mp4.
# Needs MP4Box or ffmpeg; for sealed chunks decryption/decrypt.py beside this file and its Python. Bash 3.2 will do.
set -uo pipefail
umask 077 # what is written here is clear video
unset CDPATH
shopt -s nullglob
export LC_ALL=C

usage() {
    cat <<'USAGE'
mp4_wrapper.sh -i IN -o OUT [-k PRIVKEY] -f FPS [-p] [-h]

Looks for events in the folder IN and all folders in it: where there are video0.h264, video1.h264, … (or .h265).
Writes OUT/<the same folder>/video.mp4, and motion0.jpg beside it.

  -i IN       the folder that was downloaded
  -o OUT      where the films go; it is made if it is not there; existing films are never overwritten
  -k PRIVKEY  the owner's private key, for sealed files; if it has a passphrase, it is asked for once, or taken
              from the environment (PI_SEC_CAM_PASSPHRASE)
  -f FPS      pictures a second, 20 or 12.5: chunks do not say when their pictures were taken
  -p          an event of which chunks are missing: wrap those that are there. What comes after a gap, and after a
              change from H.264 to H.265 or back, goes to video-2.mp4, video-3.mp4, …
  -h          this help

Exit status: 0 all events were wrapped, 1 some were not (the others are), 2 the command line is at fault or a tool
is missing.
USAGE
}

say() { printf 'mp4_wrapper: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

in="" out="" key="" fps="" partial=""
while getopts ':i:o:k:f:ph' option; do
    case $option in
        i) in=$OPTARG ;;
        o) out=$OPTARG ;;
        k) key=$OPTARG ;;
        f) fps=$OPTARG ;;
        p) partial=yes ;;
        h) usage; exit 0 ;;
        :) die "-$OPTARG needs a value; -h shows how to use this" ;;
        *) die "there is no option -$OPTARG; -h shows how to use this" ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || die "what is '$1'? -h shows how to use this"
[ -n "$in" ] || die "-i IN is missing: the folder that was downloaded"
[ -n "$out" ] || die "-o OUT is missing: where the films go"
[ -n "$fps" ] || die "-f FPS is missing: the camera's pictures a second (framerate in its configuration)"
if ! [[ $fps =~ ^[0-9]{1,4}(\.[0-9]{1,6})?$ && $fps =~ [1-9] ]]; then die "-f $fps: give pictures a second, as 20 or 12.5"; fi

# Whole paths: no name begins with a dash any more, and a newline at its end is not lost in "$(…)".
whole() { cd -- "$1" 2>/dev/null && printf '%s.' "$PWD"; }

[ -d "$in" ] || die "$in: no such folder (-i)"
whole_in=$(whole "$in") || die "$in: cannot be entered (-i)"
in=${whole_in%.}
here=$(whole "$(dirname -- "${BASH_SOURCE[0]}")") && here=${here%.}
decrypt=$here/decryption/decrypt.py
if [ -n "$key" ]; then
    case $key in /*) ;; *) key=$PWD/$key ;; esac
    if ! [ -f "$key" ] || ! [ -r "$key" ]; then die "$key: no such file, or not to be read (-k)"; fi
    [ -f "$decrypt" ] || die "$decrypt is missing: it comes with this script and opens sealed files"
    command -v python3 >/dev/null || die "sealed files are opened by Python: install python3 and its package cryptography"
    python3 -c 'import cryptography' 2>/dev/null ||
        die "Python's package cryptography is missing: python3 -m pip install cryptography, or apt install python3-cryptography"
    if grep -q ENCRYPTED -- "$key" && [ -z "${PI_SEC_CAM_PASSPHRASE+set}" ]; then
        [ -t 0 ] || die "$key has a passphrase, and there is no terminal to ask for it; put it into PI_SEC_CAM_PASSPHRASE"
        IFS= read -rsp "Passphrase of $key: " PI_SEC_CAM_PASSPHRASE || die "no passphrase"
        echo >&2
        export PI_SEC_CAM_PASSPHRASE
    fi
fi
wrapper=ffmpeg
if command -v MP4Box >/dev/null; then
    wrapper=MP4Box
elif ! command -v ffmpeg >/dev/null || ! command -v ffprobe >/dev/null; then
    die "neither MP4Box nor ffmpeg (with ffprobe) is installed; one of them makes the films: apt install ffmpeg"
fi
mkdir -p -- "$out" || die "$out: cannot be made (-o)"
whole_out=$(whole "$out") || die "$out: cannot be entered (-o)"
out=${whole_out%.}
[ "$out" != "$in" ] || die "IN and OUT are the same folder; choose another OUT"

# Clear video lies only in here, on the disk where the films go, and not after the end, whatever that is.
work=$(mktemp -d "$out/.mp4_wrapper.XXXXXX") || die "$out: cannot be written to (-o)"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

event=""
failed() { say "${event}: $*"; return 1; }

# Lines "<number> <name>" of an event's chunks in their order; names that only look like chunks are pointed out.
chunks_of() {
    local file name
    for file in "$1"/video*.h264 "$1"/video*.h265; do
        name=${file##*/}
        if [[ $name =~ ^video(0|[1-9][0-9]{0,8})\.h26[45]$ ]]; then
            printf '%s %s\n' "${BASH_REMATCH[1]}" "$name"
        else
            say "$event: '$name' is no name of a chunk and is left out; a copy, by another download?"
        fi
    done | sort -n
}

# Append one file, opened if it is sealed, to another.
append() {
    local beginning
    [ -s "$1" ] || { failed "${1##*/} is empty; fetch it anew"; return; }
    beginning=$(head -c 4 "$1" | tr -d '\000') || { failed "${1##*/} cannot be read"; return; }
    if [[ $beginning =~ ^[0-9]{3}\ $ ]]; then
        [ -n "$key" ] || { failed "${1##*/} is sealed; give the owner's private key with -k"; return; }
        python3 "$decrypt" -k "$key" -i "$1" -o "$2" >&2 </dev/null || failed "${1##*/} cannot be opened"
    elif [ -n "$key" ]; then
        failed "${1##*/} is not sealed: it is damaged, or not from the camera with this key; what was never sealed is wrapped without -k"
    else
        cat "$1" >>"$2" || failed "${1##*/} cannot be copied"
    fi
}

# How many pictures each one is shown before or after its turn, as a sum for ffmpeg in which N is its number: 0 without
# B-frames. ffmpeg itself knows only the order of decoding, but says where in the file each picture that it shows lay.
displacement() {
    local depth
    depth=$(ffprobe -v error -f "$2" -select_streams v:0 -show_entries stream=has_b_frames -of default=nw=1:nk=1 "$1") || return
    if [ "$depth" = 0 ]; then
        echo 0
        return
    fi
    ffprobe -v error -f "$2" -select_streams v:0 -show_entries packet=pos:frame=pkt_pos -of default=nw=1 "$1" | awk -F= '
        $1 == "pos" { coded[$2] = packets++ }
        $1 == "pkt_pos" && $2 in coded { by[coded[$2]] = frames++ - coded[$2] }
        END {
            for (n in by) { if (-by[n] > delay) delay = -by[n]; if (++same[by[n]] > most) { most = same[by[n]]; usual = by[n] } }
            for (n in by) if (by[n] != usual) sums[by[n]] = sums[by[n]] "+eq(N," n ")"
            printf "%d", delay + usual
            for (d in sums) printf "+(%d)*(%s)", d - usual, substr(sums[d], 2)
        }'
}

# Wrap the stream $1 (joined.h264 or .h265, in the current folder) into $2.
wrap() {
    local format=h264 tag=avc1 moved
    if [ $wrapper = MP4Box ]; then
        MP4Box -quiet -tmp . -add "$1:fps=$fps" -new "$2" >&2 </dev/null
        return
    fi
    if [ "${1##*.}" = h265 ]; then format=hevc tag=hvc1; fi # Apple plays no other tag
    moved=$(displacement "$1" $format) || return
    ffmpeg -nostdin -v error -y -f $format -i "$1" -map 0:v:0 -c copy -tag:v $tag \
        -bsf:v "setts=dts='N/($fps*TB)':pts='(N+$moved)/($fps*TB)':duration='1/($fps*TB)'" \
        -movflags +faststart -f mp4 "$2" >&2
}

film_name() { if [ "$1" = 1 ]; then echo video.mp4; else echo "video-$1.mp4"; fi; }

# One film of what was joined; films are made in $work and moved when all of the event's are there.
finish_film() {
    films=$((films + 1))
    (cd "$work" && wrap "$1" "$(film_name "$films")") || { failed "$wrapper could not wrap $first to $last"; return; }
    rm -f "$work/$1"
}

# The films of an event, from the lines of chunks_of ($2) in its folder ($1).
join_and_wrap() {
    local number name expected=0 joined="" first="" last=""
    while read -r number name; do
        if [ -n "$joined" ] && { [ "$number" != "$expected" ] || [ "${name##*.}" != "${joined##*.}" ]; }; then
            finish_film "$joined" || return
            joined=""
        fi
        if [ -z "$joined" ]; then joined=joined.${name##*.} first=$name; fi
        append "$1/$name" "$work/$joined" || return
        last=$name expected=$((number + 1))
    done <<<"$2"
    finish_film "$joined" || return
}

# Which numbers are not among the lines of chunks_of, in words.
missing_of() {
    local number name expected=0 missing=""
    while read -r number name; do
        [ "$number" -ge "$expected" ] || { failed "video$number is there twice, as .h264 and .h265"; return; }
        if [ "$number" = $((expected + 1)) ]; then missing+=", $expected"; fi
        if [ "$number" -gt $((expected + 1)) ]; then missing+=", $expected to $((number - 1))"; fi
        expected=$((number + 1))
    done <<<"$1"
    [ -z "$missing" ] || echo "${missing:2} (of 0 to $((expected - 1)))"
}

# All of one event: $1 is its folder, `event` its name.
make_films() {
    local folder=$1 chunks missing target films=0
    chunks=$(chunks_of "$folder")
    if [ -n "$chunks" ]; then missing=$(missing_of "$chunks") || return; else missing="all of them"; fi
    if [ -n "$missing" ]; then
        failed "chunks are missing: $missing. Are they all downloaded? If the camera could not send them: -p wraps what is there"
        [ -n "$partial" ] || return
    fi
    [ -z "$chunks" ] || join_and_wrap "$folder" "$chunks" || return
    if [ -e "$folder/motion0.jpg" ]; then append "$folder/motion0.jpg" "$work/motion0.jpg" || return; fi
    mkdir -p -- "$out/$event" || { failed "cannot make $out/$event"; return; }
    for target in "$work"/*; do
        if [ -e "$out/$event/${target##*/}" ]; then
            failed "$out/$event/${target##*/} exists; take it away, or give another OUT"
            return
        fi
    done
    mv -n -- "$work"/* "$out/$event/" || { failed "cannot write to $out/$event"; return; }
    [ -z "$missing" ]
}

events=0 good=0
while IFS= read -r -d '' folder; do
    case $in/${folder#./}/ in "$out"/*) continue ;; esac
    event=${folder#./}
    found=("$in/$folder"/video*.h264 "$in/$folder"/video*.h265)
    # A picture alone is an event whose video never left, or a rehearsal of the key: nothing lacks there.
    above=$in${folder#.}
    above=${above%/*}
    if [ "${above##*/}" != rehearsal ]; then found+=("$in/$folder"/motion0.jp[g]); fi
    [ ${#found[@]} -gt 0 ] || continue
    events=$((events + 1))
    rm -rf -- "${work:?}"/*
    if make_films "$in/$folder"; then good=$((good + 1)); fi
done < <(cd "$in" && find . -type d -print0 | sort -z)

if [ $events = 0 ]; then
    say "no event found in $in: no folder there holds video0.h264 or video0.h265"
    exit 1
fi
say "$good of $events events wrapped by $wrapper into $out"
[ $good = $events ]
