# What the API server refuses in namespaces of customers, beyond roles, quotas
# and pod security. One set for a whole cluster: what differs from customer to
# customer is read from the namespace, which only the platform can change.

locals {
  # Namespaces of customers.
  customers = { matchExpressions = [{ key = "shop.example.com/tenant", operator = "Exists" }] }

  # All namespaces but those of the platform.
  everybody = {
    matchExpressions = [{
      key      = "kubernetes.io/metadata.name"
      operator = "NotIn"
      values   = sort(local.platform)
    }]
  }

  # A person or program of a customer, rather than of the platform.
  by_customer = {
    name       = "by-customer"
    expression = "request.userInfo.groups.exists(g, g.startsWith('tenant:') || g == 'system:serviceaccounts:' + request.namespace)"
  }

  # What customers may say on services, ingresses and routes.
  annotations = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "nginx.ingress.kubernetes.io/proxy-body-size",
    "nginx.ingress.kubernetes.io/proxy-read-timeout",
    "nginx.ingress.kubernetes.io/proxy-send-timeout",
  ]

  policies = {
    # Images are pulled with the customer's own rights; nobody jumps the queue,
    # and only the scheduler says where a pod runs.
    "customer-pods" = {
      namespaces = local.customers
      resources  = [{ group = "", names = ["pods"] }]
      operations = ["CREATE"]
      conditions = []
      variables  = {}
      validations = {
        "Containers of customers pull their images always: set imagePullPolicy to Always." = join(" && ", [
          "object.spec.containers.all(c, c.imagePullPolicy == 'Always')",
          "object.spec.?initContainers.orValue([]).all(c, c.imagePullPolicy == 'Always')",
        ])
        "A pod takes the priority class of its own namespace, or none." = "object.spec.?priorityClassName.orValue('') in ['', request.namespace]"
        "Only the scheduler chooses a pod's node: leave nodeName out."  = "!has(object.spec.nodeName)"
      }
    }

    # A pool of nodes belongs to the namespaces that are labelled with it.
    "pool-owners" = {
      namespaces = local.everybody
      resources  = [{ group = "", names = ["pods"] }]
      operations = ["CREATE", "UPDATE"]
      conditions = []
      variables  = { pool = "namespaceObject.metadata.?labels[?'shop.example.com/pool'].orValue('')" }
      validations = {
        "The pool belongs to another customer: a pod tolerates shop.example.com/pool with its own namespace's pool only." = join("", [
          "object.spec.?tolerations.orValue([]).all(t, t.?key.orValue('') != '' && (t.key != 'shop.example.com/pool' || ",
          "(t.?operator.orValue('Equal') == 'Equal' && variables.pool != '' && t.?value.orValue('') == variables.pool)))",
        ])
        "The pool belongs to another customer: a pod selects its own namespace's pool only." = "object.spec.?nodeSelector[?'shop.example.com/pool'].orValue(variables.pool) == variables.pool"
      }
    }

    # Neither a way around the network policies nor another's traffic.
    "customer-services" = {
      namespaces = local.customers
      resources  = [{ group = "", names = ["services"] }]
      operations = ["CREATE", "UPDATE"]
      conditions = []
      variables  = {}
      validations = {
        "Services of customers have no external addresses." = "object.spec.?externalIPs.orValue([]).size() == 0"
        "Services of customers are no aliases of others."   = "object.spec.type != 'ExternalName'"
      }
    }

    "customer-hosts" = {
      namespaces = local.customers
      resources  = [{ group = "networking.k8s.io", names = ["ingresses"] }]
      operations = ["CREATE", "UPDATE"]
      conditions = []
      variables  = { hosts = "namespaceObject.metadata.?annotations[?'shop.example.com/hosts'].orValue('').split(',')" }
      validations = {
        "The host name is not the customer's: an Ingress names hosts of its own customer only." = join(" && ", [
          "!has(object.spec.defaultBackend)",
          "object.spec.?rules.orValue([]).all(r, r.?host.orValue('') != '' && r.host in variables.hosts)",
          "object.spec.?tls.orValue([]).all(t, t.?hosts.orValue([]).all(h, h in variables.hosts))",
        ])
      }
    }

    # Annotations tell the proxy, DNS and certificates what to do, names of
    # others included: customers have those that are known to do no harm.
    "customer-annotations" = {
      namespaces = local.customers
      resources = [
        { group = "", names = ["services"] },
        { group = "networking.k8s.io", names = ["ingresses"] },
        { group = "gateway.networking.k8s.io", names = ["httproutes"] },
      ]
      operations = ["CREATE", "UPDATE"]
      conditions = [local.by_customer]
      variables  = {}
      validations = {
        "The annotation is not among those that customers may set." = "object.metadata.?annotations.orValue({}).all(k, k in ${jsonencode(local.annotations)})"
      }
    }

    # What the platform has put into a customer's namespace stays as it is.
    "platform-objects" = {
      namespaces = local.customers
      resources = [
        { group = "", names = ["configmaps", "resourcequotas", "limitranges", "secrets", "serviceaccounts", "services"] },
        { group = "apps", names = ["deployments", "statefulsets", "daemonsets"] },
        { group = "autoscaling", names = ["horizontalpodautoscalers"] },
        { group = "networking.k8s.io", names = ["ingresses", "networkpolicies"] },
        { group = "gateway.networking.k8s.io", names = ["httproutes"] },
        { group = "policy", names = ["poddisruptionbudgets"] },
        { group = "rbac.authorization.k8s.io", names = ["roles", "rolebindings"] },
      ]
      operations = ["UPDATE", "DELETE"]
      conditions = [local.by_customer]
      variables  = {}
      validations = {
        "The object belongs to the platform." = "oldObject.metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') != 'tenantctl'"
      }
    }

    # Own network policies may open ways inside the namespace only.
    "customer-network-policies" = {
      namespaces = local.customers
      resources  = [{ group = "networking.k8s.io", names = ["networkpolicies"] }]
      operations = ["CREATE", "UPDATE"]
      conditions = [local.by_customer]
      variables  = {}
      validations = {
        "A customer's network policy lets in pods of its own namespace only."  = "object.spec.?ingress.orValue([]).all(r, r.?from.orValue([]).size() > 0 && r.from.all(p, has(p.podSelector) && !has(p.namespaceSelector) && !has(p.ipBlock)))"
        "A customer's network policy leads to pods of its own namespace only." = "object.spec.?egress.orValue([]).all(r, r.?to.orValue([]).size() > 0 && r.to.all(p, has(p.podSelector) && !has(p.namespaceSelector) && !has(p.ipBlock)))"
      }
    }

    # Nobody but the customer's own people and programs gets rights there.
    "customer-role-bindings" = {
      namespaces = local.customers
      resources  = [{ group = "rbac.authorization.k8s.io", names = ["rolebindings"] }]
      operations = ["CREATE", "UPDATE"]
      conditions = []
      variables  = { tenant = "namespaceObject.metadata.labels['shop.example.com/tenant']" }
      validations = {
        "A role binding names the customer's own groups and service accounts only." = join("", [
          "object.?subjects.orValue([]).all(s, s.kind == 'ServiceAccount' ? s.?namespace.orValue('') == request.namespace : ",
          "s.name.startsWith('tenant:' + variables.tenant + ':'))",
        ])
      }
    }
  }
}

resource "kubernetes_manifest" "policy" {
  for_each = merge(local.policies, local.gateway_policies)

  cluster = local.cluster
  manifest = {
    apiVersion = "admissionregistration.k8s.io/v1"
    kind       = "ValidatingAdmissionPolicy"
    metadata   = { name = "${each.key}.shop.example.com", labels = local.labels }
    spec = {
      failurePolicy = "Fail"
      matchConstraints = {
        resourceRules = [
          for resource in each.value.resources : {
            apiGroups   = [resource.group]
            apiVersions = ["*"]
            resources   = resource.names
            operations  = each.value.operations
          }
        ]
      }
      matchConditions = each.value.conditions
      variables       = [for name, expression in each.value.variables : { name = name, expression = expression }]
      validations = [
        for message, expression in each.value.validations :
        { expression = expression, message = message, reason = "Forbidden" }
      ]
    }
  }
}

resource "kubernetes_manifest" "binding" {
  for_each = merge(local.policies, local.gateway_policies)

  cluster = local.cluster
  manifest = {
    apiVersion = "admissionregistration.k8s.io/v1"
    kind       = "ValidatingAdmissionPolicyBinding"
    metadata   = { name = "${each.key}.shop.example.com", labels = local.labels }
    spec = {
      policyName        = kubernetes_manifest.policy[each.key].object.metadata.name
      validationActions = ["Deny"]
      matchResources    = { namespaceSelector = each.value.namespaces }
    }
  }
}
