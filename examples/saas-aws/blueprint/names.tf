# The customer's name in the world.

resource "aws_route53_record" "web" {
  zone_id = var.zone_id
  name    = "${var.tenant.name}.${var.domain}"
  type    = "CNAME"
  ttl     = 300
  records = ["ingress.${var.domain}"]
}
