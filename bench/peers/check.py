"""The typical check as a script: what one run costs when every run starts an interpreter."""

import argparse
import json
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--config", default="{}")
config = json.loads(parser.parse_args().config)
backlog = config.get("backlog-max", 100) // 8
latency = {"value": 12.5, "unit": "ms"}
json.dump(
    {
        "status": "healthy",
        "message": f"{config.get('service', 'orders')} answered, {backlog} waiting",
        "measurements": {"latency": latency, "backlog": {"value": backlog}, "connected": {"value": True}},
    },
    sys.stdout,
)
