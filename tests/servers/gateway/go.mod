// The Gateway API that tests put on API servers, pinned: this module builds
// nothing. `tests/servers/install` takes its definitions from its sources.
module tenantctl.example/tests/gateway

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
