entrypoints "web" {
  address = ":80"
}

routers "api" {
  rule = "Host(`a.exam
