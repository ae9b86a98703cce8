"""Writes nginx's configuration. Pure: load balancers, targets and certificates in, text out."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.certificates import Certificate
from local.load_balancer.model import Action, Listener, LoadBalancer, Rule, Targets

HEAD = """\
# Written by local/load_balancer/nginx.py from what is deployed; a change here is lost.
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {log}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format requests '$time_iso8601 $server_port $host "$request_method $uri" $status $body_bytes_sent $request_time $upstream_addr';
    access_log {log}/access.log requests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server_names_hash_bucket_size 256;
    server_tokens off;
    client_max_body_size 0;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_connect_timeout 10s;
    proxy_set_header Host $http_host;
    proxy_set_header Connection $upstream_connection;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Amzn-Trace-Id $trace_id;
    geo $dollar {{ default "$"; }}
    map $http_upgrade $upstream_connection {{ default upgrade; '' ''; }}
    map $request_uri $request_path {{ "~^(?<path_only>[^?]*)" $path_only; }}
    map $request_id $own_trace_id {{ "~^(?<trace_a>.{{8}})(?<trace_b>.{{24}})" "1-$trace_a-$trace_b"; }}
    map $http_x_amzn_trace_id $trace_id {{ default "Self=$own_trace_id;$http_x_amzn_trace_id"; '' "Root=$own_trace_id"; }}
"""


def render(
    load_balancers: Iterable[LoadBalancer],
    targets: Targets,
    certificates: Mapping[str, Certificate],
    folder: Path,
    log: Path,
) -> str:
    """The whole configuration; `certificates` by the ARN that ACM gave them."""
    user = "user root;\n" if os.geteuid() == 0 else ""
    parts = [HEAD.format(user=user, folder=folder, log=log)]
    parts += [_upstream(arn, addresses) for arn, addresses in sorted(targets.items()) if addresses]
    first: dict[int, tuple[LoadBalancer, Listener]] = {}
    for one in load_balancers:
        for listener in one.listeners:
            first.setdefault(listener.port, (one, listener))
            tls = listener.certificate_arn and _certificate(certificates[listener.certificate_arn])
            parts.append(_server(one, listener, targets, tls or [], one.hosts))
    # Under names that no load balancer has, the first one answers: they share an address here. Its certificate would not
    # do, so over TLS there is an answer only to who began with a name that one has, and then asked for another.
    for one, listener in first.values():
        parts.append(_server(one, listener, targets, ["ssl_reject_handshake on;"] if listener.certificate_arn else [], ()))
    return "\n".join(parts) + "}\n"


def _upstream(arn: str, addresses: list[tuple[str, int]]) -> str:
    servers = "".join(f"        server {host}:{port} max_fails=0;\n" for host, port in sorted(addresses))
    return f"    upstream {_group_name(arn)} {{\n{servers}        keepalive 32;\n    }}\n"


def _group_name(arn: str) -> str:
    return re.sub(r"\W", "_", arn.partition("targetgroup/")[2])


def _certificate(files: Certificate) -> list[str]:
    return [f"ssl_certificate {files.certificate};", f"ssl_certificate_key {files.key};"]


def _server(one: LoadBalancer, listener: Listener, targets: Targets, tls: list[str], hosts: tuple[str, ...]) -> str:
    """A listener under these hosts, or if there are none, under all others."""
    default = "" if hosts else " default_server"
    lines = [
        f"listen 127.0.0.1:{listener.port}{default}{' ssl' if tls else ''}{' http2' if tls and one.http2 else ''};",
        f"server_name {' '.join(hosts) or '_'};",
        f"ignore_invalid_headers {'on' if one.drop_invalid_headers else 'off'};",
        f"keepalive_timeout {one.idle_timeout}s;",
        f"client_body_timeout {one.idle_timeout}s;",
        f"proxy_read_timeout {one.idle_timeout}s;",
        f"proxy_send_timeout {one.idle_timeout}s;",
    ]
    if tls:
        lines += [*tls, f"ssl_protocols {' '.join(listener.protocols)};"]
    lines.append("set $action default;")
    # The rule with the lowest priority first: what matches later overrides it.
    for number, rule in reversed(list(enumerate(listener.rules))):
        lines += _match(number, rule)
    lines.append("location / {")
    for number, rule in enumerate(listener.rules):
        lines += ["    " + line for line in _act(f"rule{number}", rule.action, targets)]
    lines += ["    " + line for line in _act("default", listener.default, targets)]
    if any(_forwards_to(action, targets) for action in _actions(listener)):
        lines.append("    proxy_pass http://$group;")
    lines.append("}")
    return "    server {\n" + "".join(f"        {line}\n" for line in lines) + "    }\n"


def _actions(listener: Listener) -> list[Action]:
    return [listener.default, *(rule.action for rule in listener.rules)]


def _match(number: int, rule: Rule) -> list[str]:
    """Sets $action if all conditions of a rule are met."""
    lines, wanted = [f"set $met '';"], ""
    for index, condition in enumerate(rule.conditions):
        variable, pattern = _condition(condition)
        wanted += f"{index}."
        lines.append(f'if ({variable} ~ "{pattern}") {{ set $met "${{met}}{index}."; }}')
    return [*lines, f"if ($met = '{wanted}') {{ set $action rule{number}; }}"]


def _condition(condition: Mapping[str, Any]) -> tuple[str, str]:
    field = condition["Field"]
    if field == "host-header":
        return "$host", _any_of(condition.get("HostHeaderConfig", condition)["Values"], "(?i)")
    if field == "path-pattern":
        return "$request_path", _any_of(condition.get("PathPatternConfig", condition)["Values"])
    if field == "http-request-method":
        return "$request_method", _any_of(condition["HttpRequestMethodConfig"]["Values"])
    if field == "http-header":
        config = condition["HttpHeaderConfig"]
        name = config["HttpHeaderName"].lower().replace("-", "_")
        # nginx cannot tell an empty header from none; without one, AWS's "*" does not match either.
        return f"$http_{name}", _any_of(config["Values"], "(?i)(?=.)")
    raise ValueError(f"condition {field}: local/load_balancer/nginx.py does not know it")


def _any_of(values: list[str], flags: str = "") -> str:
    """AWS's wildcards as a regular expression."""
    patterns = [re.escape(value).replace(r"\*", ".*").replace(r"\?", ".") for value in values]
    return f"{flags}^({'|'.join(patterns)})$".replace('"', r"\"")


def _act(name: str, action: Action, targets: Targets) -> list[str]:
    """The lines that carry an action out when $action is `name`."""
    if action["Type"] == "redirect":
        return [f"if ($action = {name}) {{ {_redirect(action['RedirectConfig'])} }}"]
    if action["Type"] == "fixed-response":
        config = action["FixedResponseConfig"]
        body = re.sub(r'(["\\])', r"\\\1", config.get("MessageBody", "")).replace("$", "${dollar}")
        kind = config.get("ContentType", "text/plain")
        return [f'if ($action = {name}) {{ add_header Content-Type "{kind}" always; return {config["StatusCode"]} "{body}"; }}']
    if action["Type"] != "forward":
        raise ValueError(f"action {action['Type']}: local/load_balancer/nginx.py does not know it")
    group = _forwards_to(action, targets)
    return [f"if ($action = {name}) {{ {f'set $group {group};' if group else 'return 503;'} }}"]


def _forwards_to(action: Action, targets: Targets) -> str | None:
    """The upstream of a forward action, if it has a healthy target."""
    if action["Type"] != "forward":
        return None
    arn = action.get("TargetGroupArn") or action["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"]
    return _group_name(arn) if targets.get(arn) else None


def _redirect(config: Mapping[str, str]) -> str:
    protocol = config.get("Protocol", "#{protocol}")
    port = config.get("Port", "#{port}")
    path = config.get("Path", "/#{path}")
    query = config.get("Query", "#{query}")
    url = f"{protocol}://{config.get('Host', '#{host}')}:{port}{path}".replace("$", "").replace("/#{path}", "$request_path")
    url = url.replace("HTTPS://", "https://").replace("HTTP://", "http://")
    url += "$is_args$args" if query == "#{query}" else f"?{query}" if query else ""
    known = {"#{protocol}": "$scheme", "#{host}": "$host", "#{port}": "$server_port", "#{query}": "$args"}
    for placeholder, variable in known.items():
        url = url.replace(placeholder, variable)
    status = config["StatusCode"].removeprefix("HTTP_")
    return f'return {status} "{url}";'
