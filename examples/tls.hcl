# HTTPS: certificates by name, a certificate for development, and plain HTTP that is sent to HTTPS.
#
#   curl -i http://127.0.0.1:8080/x                                           301 to https://…:8443/x
#   curl -k https://app.localhost:8443/                                       200
#   curl -k https://bank.localhost:8443/                                      200, by TLS 1.3
#   curl -k --tls-max 1.2 https://bank.localhost:8443/                        no handshake
#   curl -k -H 'Host: bank.localhost' https://app.localhost:8443/             421: that name has other options
#
# A certificate that is made up is trusted by nobody, hence -k. In production, name files instead of self_signed:
#
#   cert_file = "/etc/a3sgw/app.pem"                                          the certificate and its chain
#   key_file  = "/etc/a3sgw/app.key"
#   certificates {                                                            more of them, chosen by name
#     cert_file = "/etc/a3sgw/star.example.pem"
#     key_file  = "/etc/a3sgw/star.example.key"
#   }
#
# When the files change they are read again; no handshake fails meanwhile.

entrypoints "web" {
  address = "127.0.0.1:${env("PLAIN", "8080")}"

  redirect {
    to = "websecure"
  }
}

entrypoints "websecure" {
  address     = "127.0.0.1:${env("PORT", "8443")}"
  middlewares = ["security"]

  tls {
    self_signed = true
  }
}

middlewares "security" {
  type   = "headers"
  preset = "strict" # Strict-Transport-Security among others
}

routers "app" {
  entrypoints = ["websecure"]
  rule        = "Host(`app.localhost`)"
  service     = "app"
}

routers "bank" {
  entrypoints = ["websecure"]
  rule        = "Host(`bank.localhost`)"
  service     = "app"

  tls {
    min_version = "1.3"
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
