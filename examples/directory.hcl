# A main file for what belongs to the gateway, and a directory in which each team keeps a file of its own. All of them are
# watched; a broken one stays as it was, and disables no other.
#
#   a3sgw --config examples/directory.hcl
#   curl -H 'Host: blog.example' http://127.0.0.1:8080/
#   sed s/blog/wiki/ examples/conf.d/blog.hcl > examples/conf.d/wiki.hcl
#   curl -H 'Host: wiki.example' http://127.0.0.1:8080/
#   curl http://127.0.0.1:9090/api/gateway/problems        after breaking one of them

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

providers {
  file {
    watch     = true
    directory = env("CONF_D", "conf.d")
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
