"""A gRPC server with the health service of grpc.health.v1: `grpc_server.py PORT [CERTIFICATE KEY]`, or `PORT bare`
for one that does not have it. Serves until it is killed."""

import concurrent.futures
import sys

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

port, *rest = sys.argv[1:]
server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
if rest != ["bare"]:
    states = health_pb2.HealthCheckResponse
    servicer = health.HealthServicer()
    servicer.set("", states.SERVING)
    servicer.set("orders.v1.Orders", states.SERVING)
    servicer.set("billing.v1.Billing", states.NOT_SERVING)
    servicer.set("limbo.v1.Limbo", states.UNKNOWN)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
if len(rest) == 2:
    certificate, key = (open(path, "rb").read() for path in rest)
    bound = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, certificate)]))
else:
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
assert bound == int(port), f"port {port} is taken"
server.start()
print("listening", flush=True)
server.wait_for_termination()
