entrypoints "web" { address = ":80" }
locals {
  a    = local.b
  b    = local.a
  zero = 1 / 0
  far  = local.zero + 1
}
locals {
  a = 1
}
log { level = local.far }
access_log { file = file("no/such/file") }
shutdown_timeout_secs = local.nothing
routers "a" {
  rule    = "Host(`${NO_SUCH_VARIABLE}`)"
  service = uper("x")
}
routers "b" {
  rule    = backend
  service = "x" + 1
}
routers "c" {
  rule    = upper("a", "b")
  service = [1, 2][5]
}
routers "d" {
  rule    = "${[1]}"
  service = true ? "a" : {}.b
  middlewares = [for x in 5 : x]
}
routers "e" {
  rule    = join(",", range(10000000))
  service = { a = 1, a = 2 }.a
}
routers "f" {
  rule    = env("NO_SUCH_VARIABLE", "Path(`/`)")
  service = "%{ if true }s%{ endfor }"
}
