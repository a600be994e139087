"""What a schema cannot know: that a rendered overlay fits the programs. Called by tests/kubernetes.

    python deploy/kubernetes/check.py RENDERED.yaml
"""

import pathlib
import re
import sys

import yaml

SERVICES = ["gateway", "classifier", "registry", "budget", "router", "handoff"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
# What closing connections may take after the grace period (chassis/src/serve/process.rs).
CLOSE_SECONDS = 2


def main(path):
    objects = [o for o in yaml.safe_load_all(pathlib.Path(path).read_text()) if o]
    faults = list(check(objects, is_production="production" in path))
    for fault in faults:
        print(f"{path}: {fault}")
    if faults:
        sys.exit(1)
    print(f"{path}: {len(objects)} objects fit the programs")


def check(objects, is_production):
    of_kind = lambda kind: {o["metadata"]["name"]: o for o in objects if o["kind"] == kind}
    deployments = of_kind("Deployment")
    settings = next(o["data"] for name, o in of_kind("ConfigMap").items() if name.startswith("settings"))
    for kind in ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"]:
        for service in SERVICES:
            if service not in of_kind(kind):
                yield f"{service} has no {kind}"
    known = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
    for name in sorted(names(objects) - known):
        yield f"{name} is not in .env.example"
    for name, o in deployments.items():
        yield from of_pod(name, o["spec"]["template"]["spec"])
    for name, o in of_kind("Job").items():
        yield from of_pod(name, o["spec"]["template"]["spec"])
    for service in SERVICES:
        pod = deployments[service]["spec"]["template"]["spec"]
        yield from of_service(service, pod, settings, of_kind("Service"))
    if is_production and of_kind("Secret"):
        yield "a secret is written down"
    if is_production and "desk" in deployments:
        yield "the shipped agents are for trying out"


def names(objects):
    """Every variable that a pod of ours is given."""
    found = set()
    for o in objects:
        if o["kind"] == "ConfigMap" and o["metadata"]["name"] != "agents":
            found |= set(o["data"])
        if o["kind"] in ["Deployment", "Job"]:
            for container in o["spec"]["template"]["spec"]["containers"]:
                found |= {variable["name"] for variable in container.get("env", [])}
    return found


def of_pod(name, pod):
    if not pod["securityContext"].get("runAsNonRoot") or pod.get("automountServiceAccountToken") is not False:
        yield f"{name} may have more rights than it needs"
    for container in pod["containers"]:
        context = container["securityContext"]
        is_closed = context["readOnlyRootFilesystem"] and context["capabilities"] == {"drop": ["ALL"]}
        if not is_closed or context["allowPrivilegeEscalation"]:
            yield f"{name} may have more rights than it needs"
        if "memory" not in container["resources"]["limits"] or "cpu" not in container["resources"]["requests"]:
            yield f"{name} does not say what it needs"
        for variable in container.get("env", []):
            is_secret = re.search("TOKEN|KEY|_URL", variable["name"])
            if is_secret and "secretKeyRef" not in variable.get("valueFrom", {}):
                yield f"{name} has {variable['name']} in the open"


def of_service(name, pod, settings, services):
    container = pod["containers"][0]
    env = {v["name"]: v.get("value") for v in container["env"]}
    port = default_port(name)
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    probes = [container[kind]["grpc"]["port"] for kind in ["startupProbe", "readinessProbe", "livenessProbe"]]
    host, peer_port = re.fullmatch(r"http://(.+):(\d+)", settings[f"{name.upper()}_ADDR"]).groups()
    headless = services[host]["spec"]
    said = [env["GRPC_LISTEN"].split(":")[1], ports["grpc"], *probes, peer_port, headless["ports"][0]["port"]]
    if {int(p) for p in said} != {port}:
        yield f"{name} has port {port}, and here {said}"
    if headless["clusterIP"] != "None" or headless["selector"]["app.kubernetes.io/name"] != name:
        yield f"{host} does not name every replica of {name}"
    if ports["admin"] != int(settings["ADMIN_LISTEN"].split(":")[1]):
        yield f"{name} has its admin page on another port"
    wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    least = wait + int(settings["SHUTDOWN_GRACE_MS"]) / 1000 + CLOSE_SECONDS
    if pod["terminationGracePeriodSeconds"] <= least:
        yield f"{name} is killed after {pod['terminationGracePeriodSeconds']} s and may need {least:.0f} s"


def default_port(name):
    text = (ROOT / "services" / name / "src" / "main.rs").read_text()
    return int(re.search(r"grpc: (\d+)", text).group(1))


if __name__ == "__main__":
    main(sys.argv[1])
