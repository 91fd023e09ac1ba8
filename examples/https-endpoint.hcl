# An endpoint that speaks TLS with a certificate of your own authority. Certificates are always checked: with the wrong
# authority, or the wrong name, the client gets 502 and the access log says why.
#
#   export CA_FILE=/etc/ssl/internal-ca.pem
#   curl http://127.0.0.1:8080/
#
# The endpoint is asked for the name in server_name, and its certificate must be for that name.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "secure"
}

services "secure" {
  load_balancer {
    pass_host_header = false

    servers = [{ url = "https://127.0.0.1:${env("SECURE", "9443")}" }]

    tls {
      ca_file     = env("CA_FILE", "/etc/ssl/certs/ca-certificates.crt")
      server_name = "internal.example"
    }
  }
}
