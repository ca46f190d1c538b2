#!/bin/bash
# Downloads archives to a lab host. Comes after common.sh.
#
# Inputs: none.
# Idempotent: continues an interrupted download, also of an earlier run. Removes a complete archive with
#   a wrong checksum, so that no run continues it.

PARTIAL=/var/cache/kafkalab
DOWNLOAD_SECONDS=1800
DOWNLOAD_TRIES=6

# download URL SHA-512: stores the path of the archive in ARCHIVE. Returns 1 if the server does not
# deliver it. SEEN then contains the reason.
download() {
  local url=$1 expected=$2 found resumed
  ARCHIVE=$PARTIAL/${url##*/}
  mkdir -p "$PARTIAL"
  for resumed in maybe no; do
    [[ $resumed == maybe && -s $ARCHIVE ]] || resumed=no
    fetch "$url" || return
    found=$(sha512sum "$ARCHIVE")
    found=${found%% *}
    [[ $found != "$expected" ]] || return 0
    rm -f "$ARCHIVE"
    # The existing part may be from another server, or damaged by a power failure.
    [[ $resumed == maybe ]] || break
  done
  fail "archive ${url##*/} from $url has the wrong SHA-512: expected $expected, found $found. Nothing was installed. Put the right file there, or set kafkalab:archiveUrl to another server."
}

# fetch URL: downloads the rest of ARCHIVE. Retries after broken connections and when the server is busy.
# Fails after DOWNLOAD_TRIES successive tries without data, and after DOWNLOAD_SECONDS.
fetch() {
  local url=$1 deadline=$((SECONDS + DOWNLOAD_SECONDS)) tries=0 size=0 before status code left
  SEEN="no answer"
  while ((tries < DOWNLOAD_TRIES)); do
    before=$(size_of "$ARCHIVE")
    left=$((deadline - SECONDS))
    ((left > 0)) || {
      SEEN="$SEEN; it was given $DOWNLOAD_SECONDS s"
      return 1
    }
    status=0
    code=$(curl -sS -f -L -C - -o "$ARCHIVE" -w '%{http_code}' --connect-timeout 5 \
      --speed-limit 1024 --speed-time 30 --max-time "$left" "$url" 2>"$ARCHIVE.log") || status=$?
    SEEN=$(tail -n 1 "$ARCHIVE.log")
    rm -f "$ARCHIVE.log"
    size=$(size_of "$ARCHIVE")
    case $status:$code in
      # 416: the file is already complete.
      0:* | 22:416) return 0 ;;
      # The server cannot continue a download.
      33:* | 36:*) rm -f "$ARCHIVE" ;;
      22:408 | 22:429 | 22:5*) SEEN="the server answered $code" ;;
      22:*)
        SEEN="the server answered $code"
        return 1
        ;;
    esac
    if ((size > before)); then
      tries=0
      say "${url##*/}: broken off after $((size >> 10)) KiB, continuing: $SEEN"
    fi
    tries=$((tries + 1))
    ((tries >= DOWNLOAD_TRIES)) || sleep $((1 << (tries - 1)))
  done
  return 1
}

size_of() { # FILE
  stat -c %s "$1" 2>/dev/null || echo 0
}
