# WebSocket through the gateway: nothing to switch on, a few things to limit.
#
#   curl -i --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
#        -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' http://127.0.0.1:8080/chat     101, then it stays open
#   python -m websockets ws://127.0.0.1:8080/chat     type, and hear it again
#
# A third client gets 503. Change a rule or an option of "chat" and send HUP: clients are told 1001 (going away) in the
# second half of 20 seconds. Change anything else, and they notice nothing.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "chat" {
  rule          = "Path(`/chat`)"
  service       = "chat"

  websocket {
    max_connections = 2
    close_frame     = true
  }
  drain_timeout = env("DRAIN", "20s")

  timeouts {
    stream_idle_timeout = "10m" # without a byte in either direction: longer than the ping interval of the application
  }
}

services "chat" {
  load_balancer {
    strategy = "least-connections"
    servers  = [{ url = "http://127.0.0.1:${env("CHAT", "9001")}" }]
  }
}
