# Segments of a path by name: :name and {name} capture one segment, a final * the rest.
#
#   curl http://127.0.0.1:8080/worlds/earth            the worlds
#   curl http://127.0.0.1:8080/worlds/earth/maps/a/b   the maps
#   curl http://127.0.0.1:8080/worlds/                 404: a segment is never empty
#   curl http://127.0.0.1:8080/worlds/earth/moon       404: one segment, not two

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "worlds" {
  rule    = "PathPattern(`/worlds/:world`)"
  service = "worlds"
}

routers "maps" {
  rule    = "PathPattern(`/worlds/{world}/maps/*`)"
  service = "maps"
}

services "worlds" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("WORLDS", "9001")}" }]
  }
}

services "maps" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("MAPS", "9002")}" }]
  }
}
