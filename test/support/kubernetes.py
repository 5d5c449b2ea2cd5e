"""kubernetes.py - the part of the Kubernetes API (core/v1) that our manifests use: what is not here is a typing error."""


def one_of(*words):
    return lambda value, where: [] if value in words else [f"{where}: {value!r} is none of {words}"]


NAME_AND_VALUE = {"name": str, "value": str}
PROBE = {"exec": {"command": [str]}, "periodSeconds": int, "timeoutSeconds": int, "failureThreshold": int}
VOLUME_MOUNT = {"name": str, "mountPath": str, "mountPropagation": one_of("None", "HostToContainer", "Bidirectional")}
CONTAINER = {
    "name": str, "image": str, "command": [str], "env": [NAME_AND_VALUE], "envFrom": [{"secretRef": {"name": str}}],
    "securityContext": {"privileged": bool, "runAsUser": int, "runAsGroup": int}, "volumeMounts": [VOLUME_MOUNT]}
SIDECAR = {**CONTAINER, "restartPolicy": one_of("Always"), "startupProbe": PROBE}
POD = {
    "apiVersion": one_of("v1"), "kind": one_of("Pod"), "metadata": {"name": str},
    "spec": {
        "terminationGracePeriodSeconds": int, "restartPolicy": one_of("Always", "OnFailure", "Never"),
        "initContainers": [SIDECAR], "containers": [CONTAINER], "volumes": [{"name": str, "emptyDir": {}}]}}


def faults(value, form=POD, where="Pod"):
    """What in VALUE is not of FORM."""
    if callable(form) and not isinstance(form, type):
        return form(value, where)
    kind = form if isinstance(form, type) else type(form)
    if type(value) is not kind:
        return [f"{where}: {value!r} is no {kind.__name__}"]
    if kind is list:
        return [fault for i, item in enumerate(value) for fault in faults(item, form[0], f"{where}[{i}]")]
    if kind is dict:
        return [f"{where}.{name}: there is no such field" for name in value.keys() - form.keys()] + [
            fault for name in value.keys() & form.keys() for fault in faults(value[name], form[name], f"{where}.{name}")]
    return []


def dangling(pod):
    """Mounts of volumes that the pod does not have."""
    spec = pod["spec"]
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    containers = spec.get("initContainers", []) + spec["containers"]
    return [mount["name"] for one in containers for mount in one.get("volumeMounts", []) if mount["name"] not in volumes]


def commands(value):
    """Every `command` in VALUE, however deep."""
    if isinstance(value, dict):
        own = [value["command"]] if "command" in value else []
        return own + [command for name, item in value.items() if name != "command" for command in commands(item)]
    return [command for item in value for command in commands(item)] if isinstance(value, list) else []
