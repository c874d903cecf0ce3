#!/usr/bin/env bash
# Makes films of downloaded events: joins each event's chunks, opening sealed ones, and wraps them into one .mp4.
# Needs MP4Box or ffmpeg; beside this file, for sealed chunks decryption/decrypt.py and its Python, and for the camera's
# records timing/ and any Python. Bash 3.2 will do.
set -uo pipefail
umask 077 # what is written here is clear video
unset CDPATH
shopt -s nullglob
export LC_ALL=C

usage() {
    cat <<'USAGE'
mp4_wrapper.sh -i IN -o OUT [-k PRIVKEY] [-f FPS] [-p] [-h]

Looks for events in the folder IN and all folders in it: where there are video0.h264, video1.h264, … (or .h265).
Writes OUT/<the same folder>/video.mp4, and motion0.jpg beside it. Where the camera's records lie there too
(evidence0.jsonl, …), each picture gets the time at which it was taken, a chunk that is not the recorded one is refused,
and it shows when the last ones are missing.

  -i IN       the folder that was downloaded
  -o OUT      where the films go; it is made if it is not there; existing films are never overwritten
  -k PRIVKEY  the owner's private key, for sealed files; if it has a passphrase, it is asked for once, or taken
              from the environment (PI_SEC_CAM_PASSPHRASE)
  -f FPS      pictures a second, 20 or 12.5, where no record says when the pictures of a chunk were taken
  -p          an event of which chunks are missing: wrap those that are there. What comes after a gap, and after a
              change from H.264 to H.265 or back, goes to video-2.mp4, video-3.mp4, …
  -h          this help

Exit status: 0 all events were wrapped, 1 some were not (the others are), 2 the command line is at fault or a tool
is missing.
USAGE
}

# Names may be anybody's: what could control the terminal is not shown.
say() { printf 'mp4_wrapper: %s\n' "$*" | tr '\000-\011\013-\037\177' '?' >&2; }
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
        *) die "there is no option -${OPTARG/#-/-…}; -h shows how to use this" ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || die "what is '$1'? -h shows how to use this"
[ -n "$in" ] || die "-i IN is missing: the folder that was downloaded"
[ -n "$out" ] || die "-o OUT is missing: where the films go"
if [ -n "$fps" ] && ! [[ $fps =~ ^[0-9]{1,4}(\.[0-9]{1,6})?$ && $fps =~ [1-9] ]]; then die "-f $fps: give pictures a second, as 20 or 12.5"; fi

# Whole paths: no name begins with a dash any more, and a newline at its end is not lost in "$(…)".
whole() { cd -- "$1" 2>/dev/null && printf '%s.' "$PWD"; }

[ -d "$in" ] || die "$in: no such folder (-i)"
whole_in=$(whole "$in") || die "$in: cannot be entered (-i)"
in=${whole_in%.}
here=$(whole "$(dirname -- "${BASH_SOURCE[0]}")") && here=${here%.}
decrypt=$here/decryption/decrypt.py
records=$here/timing/records.py
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

# Wrap the stream $1 (joined.h264 or .h265, in the current folder) into $2, evenly.
wrap() {
    local format=h264 tag=avc1 moved
    if [ $wrapper = MP4Box ]; then
        MP4Box -quiet -tmp . -add "$1:fps=$rate" -new "$2" >&2 </dev/null
        return
    fi
    if [ "${1##*.}" = h265 ]; then format=hevc tag=hvc1; fi # Apple plays no other tag
    moved=$(displacement "$1" $format) || return
    ffmpeg -nostdin -v error -y -f $format -i "$1" -map 0:v:0 -c copy -tag:v $tag \
        -bsf:v "setts=dts='N/($rate*TB)':pts='(N+$moved)/($rate*TB)':duration='1/($rate*TB)'" \
        -movflags +faststart -f mp4 "$2" >&2
}

# How many pictures the stream $1 holds, which may be more than its film shows: that begins with a keyframe.
pictures_in() {
    local format=h264
    if [ "${1##*.}" = h265 ]; then format=hevc; fi
    if [ $wrapper = MP4Box ]; then echo 0; return; fi
    ffprobe -v error -f $format -select_streams v:0 -count_packets -show_entries stream=nb_read_packets \
        -of default=nw=1:nk=1 "$1"
}

# Give the film $2, made of the stream $1, the times at which its pictures were taken. The chunks' names are in `joined_names`.
set_times() {
    local pictures said
    pictures=$(pictures_in "$1") || return
    said=$(python3 "$records" retime "$folder" "$2" "$pictures" "${joined_names[@]}" 2>&1) || failed "$said"
}

film_name() { if [ "$1" = 1 ]; then echo video.mp4; else echo "video-$1.mp4"; fi; }

# One film of what was joined; films are made in $work and moved when all of the event's are there.
finish_film() {
    films=$((films + 1))
    (cd "$work" && wrap "$1" "$(film_name "$films")") || { failed "$wrapper could not wrap $first to $last"; return; }
    if [ -n "$recorded" ]; then set_times "$work/$1" "$work/$(film_name "$films")" || return; fi
    rm -f "$work/$1"
}

# The films of an event, from the lines of chunks_of ($2) in its folder ($1).
join_and_wrap() {
    local number name expected=0 joined="" first="" last="" joined_names=()
    while read -r number name; do
        if [ -n "$joined" ] && { [ "$number" != "$expected" ] || [ "${name##*.}" != "${joined##*.}" ]; }; then
            finish_film "$joined" || return
            joined=""
        fi
        if [ -z "$joined" ]; then joined=joined.${name##*.} first=$name joined_names=(); fi
        append "$1/$name" "$work/$joined" || return
        joined_names+=("$name")
        last=$name expected=$((number + 1))
    done <<<"$2"
    finish_film "$joined" || return
}

# Which numbers are not among the lines of chunks_of ($1), in words; there should be $2, or as many as they say.
missing_of() {
    local number name expected=0 missing=""
    while read -r number name; do
        [ -n "$name" ] || continue
        [ "$number" -ge "$expected" ] || { failed "video$number is there twice, as .h264 and .h265"; return; }
        if [ "$number" = $((expected + 1)) ]; then missing+=", $expected"; fi
        if [ "$number" -gt $((expected + 1)) ]; then missing+=", $expected to $((number - 1))"; fi
        expected=$((number + 1))
    done <<<"$1"
    if [ "$2" = $((expected + 1)) ]; then missing+=", $expected"; fi
    if [ "$2" -gt $((expected + 1)) ]; then missing+=", $expected to $(($2 - 1))"; fi
    if [ "$2" -gt "$expected" ]; then expected=$2; fi
    if [ "$expected" = 0 ]; then echo "all of them"; return; fi
    [ -z "$missing" ] || echo "${missing:2} (of 0 to $((expected - 1)))"
}

# What the records in $folder say: sets `recorded` if there are any, how many chunks are `known` of, and the mean `rate`.
read_records() {
    local said mean lying
    recorded="" known=0 rate=$fps
    lying=("$folder"/evidence*.jsonl "$folder"/offsite.json[l])
    [ ${#lying[@]} -gt 0 ] || return 0
    if ! command -v python3 >/dev/null || ! [ -f "$records" ]; then
        say "$event: there are records of its pictures' times, but no python3 to read them (or no timing/records.py)"
        return 0
    fi
    said=$(python3 "$records" check "$folder" 2>&1) || { failed "$said"; return; }
    recorded=yes
    read -r known mean <<<"$said"
    if [ -z "$rate" ] && [ "$mean" != - ]; then rate=$mean; fi
}

# All of one event: $1 is its folder, `event` its name.
make_films() {
    local folder=$1 chunks missing target films=0 recorded known rate
    chunks=$(chunks_of "$folder")
    read_records || return
    missing=$(missing_of "$chunks" "$known") || return
    if [ -n "$missing" ]; then
        failed "chunks are missing: $missing. Are they all downloaded? If the camera could not send them: -p wraps what is there"
        [ -n "$partial" ] || return
    fi
    if [ -n "$chunks" ] && [ -z "$rate" ]; then
        failed "nothing says when its pictures were taken: no records of the camera are here. -f takes the camera's pictures a second instead"
        return
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
    # Records of files are an event, be the files gone. (The camera's own chain speaks of none.)
    for name in "$in/$folder"/evidence*.jsonl; do
        if grep -q '"kind":"file"' -- "$name"; then found+=("$name"); fi
    done
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
