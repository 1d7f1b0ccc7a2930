provider "dns" {
  update {
    server        = "ns.example.com"
    key_name      = "shop."
    key_algorithm = "hmac-sha256"
    key_secret    = "c2hvcC1zaG9wLXNob3Atc2hvcC1zaG9wLXNob3A="
  }
}

resource "dns_a_record_set" "acme" {
  zone      = "example.com."
  name      = "acme"
  addresses = ["192.0.2.1", "192.0.2.2"]
  ttl       = 300
}

resource "dns_aaaa_record_set" "acme" {
  zone      = "example.com."
  name      = "acme"
  addresses = ["2001:db8::1"]
}

resource "dns_cname_record" "www" {
  zone  = "example.com."
  name  = "www"
  cname = "acme.example.com."
}

resource "dns_ns_record_set" "lab" {
  zone        = "example.com."
  name        = "lab"
  nameservers = ["ns1.example.net.", "ns2.example.net."]
}

resource "dns_txt_record_set" "proof" {
  zone = "example.com."
  name = "_proof.acme"
  txt  = ["owner=acme"]
}

data "dns_a_record_set" "ingress" {
  host = "ingress.example.com"
}

data "dns_aaaa_record_set" "ingress" {
  host = "ingress.example.com"
}
