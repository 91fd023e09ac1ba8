# One file of the directory that examples/directory.hcl watches: entrypoints, routers, services and middlewares, which may
# use those of the main file and its locals.

routers "blog" {
  rule    = "Host(`blog.example`)"
  service = "app"
}
