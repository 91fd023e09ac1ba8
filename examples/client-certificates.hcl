# Devices that show who they are in the TLS handshake. Whoever has a certificate of the authority gets to the API, as who it
# is; device-7 gets somewhere else, and who shows nothing is told to.
#
#   export CLIENT_CA=/etc/ssl/devices-ca.pem
#   curl -k https://127.0.0.1:8443/                                         401: show a certificate
#   curl -k --cert device-1.pem https://127.0.0.1:8443/                     200
#   curl -k --cert device-7.pem https://127.0.0.1:8443/                     200, from the laboratory
#   curl -k --cert of-another-authority.pem https://127.0.0.1:8443/         no handshake
#
# The endpoint is told the device in X-Device, and more in X-Forwarded-Tls-Client-Cert-Info. What a client writes into these
# fields itself does not get through. Each device may ask five times at once, and once per second in the long run.

entrypoints "websecure" {
  address = "127.0.0.1:${env("PORT", "8443")}"

  tls {
    self_signed = true

    client_auth {
      mode     = "verify-if-given"
      ca_files = [env("CLIENT_CA", "/etc/ssl/certs/ca-certificates.crt")]
    }
  }
}

routers "laboratory" {
  rule        = "ClientCert(`subject.common_name`, `device-7`)"
  service     = "laboratory"
  middlewares = ["certificate", "device", "per-device"]
  priority    = 3
}

routers "devices" {
  rule        = "ClientCertRegexp(`subject.common_name`, `^device-[0-9]+$`)"
  service     = "app"
  middlewares = ["certificate", "device", "per-device"]
  priority    = 2
}

routers "others" {
  rule        = "PathPrefix(`/`)"
  middlewares = ["show-one"]
  priority    = 1
}

middlewares "certificate" {
  type = "pass-tls-client-cert"

  info {
    serial_number = true
    not_after     = true
    sans          = true

    subject {
      common_name  = true
      organization = true
    }
  }
}

middlewares "device" {
  type            = "headers"
  request_headers = { "X-Device" = "{tls.client.subject.common_name}", "X-TLS" = "{tls.version}" }
}

middlewares "per-device" {
  type  = "rate-limit"
  key   = ["identity"]
  rate  = 1
  burst = 5
}

middlewares "show-one" {
  type   = "respond"
  status = 401
  body   = "show a certificate\n"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}

services "laboratory" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("LAB", "9002")}" }]
  }
}
