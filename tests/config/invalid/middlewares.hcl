entrypoints "web" { address = ":80" }

middlewares "a" {
  type = "cors"
  rate = 3
}
middlewares "b" { type = "rate-limt" }
middlewares "c" {}
middlewares "d" { type = 3 }
middlewares "e" {
  type  = "rate-limit"
  rates = 3
}
middlewares "f" {
  type = "rate-limit"
  rate = 0
}
