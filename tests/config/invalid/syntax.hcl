entrypoints "web" { address = ":80" }
a = [1,,2]
b =
c = 1 2
d = "x
e = 'x'
f = (1
  + 2
g = ]
routers "api" {
  rule "x"
}
services x { load_balancer { servers { url = "a:1" } } }
entrypoints "one" { address = ":81" protocol = "tcp" }
h = "\q ${"
i = "${1 +}"
services "z" {
  load_balancer {
    strategy = "hrw"
  }

services "y" {
  load_balancer { servers { url = "a:1" } }
}
