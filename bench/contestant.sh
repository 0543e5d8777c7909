# Estafette as a contestant of the benchmark: the functions that it calls, as root. `estafette run` gives root up by itself.
export ESTAFETTE_STATE=$RUN/state
setup() {
  rm -rf "$RUN"; mkdir -p "$RUN/state"; chmod 755 "$BASE" "$RUN"
  fresh_maildir
  cat > "$RUN/smtpd.conf" <<M
listen on $HOST port $PORT hostname estafette.bench.test
smtp max-message-size 50M
limit sessions 4000
limit sessions-per-client 4000
limit connections-per-next-hop 50
table virt { "@$LOCAL_DOMAIN" = "$BENCH_USER" }
action "local" maildir "$MAILDIR" virtual <virt>
action "relay" relay host smtp+notls://$SINK_HOST:$SINK_PORT
match from src 127.0.0.0/8 for domain "$LOCAL_DOMAIN" action "local"
match from src 127.0.0.0/8 for any action "relay"
M
}
start() { setsid "$BIN/estafette" run --config "$RUN/smtpd.conf" --state "$RUN/state" >>"$RUN/mail.log" 2>&1 </dev/null & echo $! > "$RUN/pid"; }
stop() { [ -s "$RUN/pid" ] && kill "$(cat "$RUN/pid")" 2>/dev/null; for i in $(seq 100); do [ -d /proc/"$(cat "$RUN/pid")" ] || break; sleep 0.1; done; true; }
drained() { "$BIN/smtpctl" show queue | cut -c1-8 | sort -u | grep -c . || true; }
listqueue() { "$BIN/smtpctl" show queue; }
flush() { "$BIN/smtpctl" schedule all; }
