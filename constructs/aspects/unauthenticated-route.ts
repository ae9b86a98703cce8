import { show } from "../checks";
import { oauth2ProxySettings } from "./containers";
import type { GuardRule } from "./guard-rule";

/** oauth2-proxy lets nobody through by a path, a method or an address. */
export const unauthenticatedRoute: GuardRule = {
  risk: "unauthenticated-route",
  findings: (stack) =>
    ["skip-auth-route", "skip-auth-regex", "skip-auth-preflight", "trusted-ip"].flatMap((flag) =>
      oauth2ProxySettings(stack, flag)
        .filter(({ values }) => values.some((value) => !/^(0|f|false)?$/i.test(value)))
        .map(({ container: { resource }, values }) => ({
          resource,
          attribute: "container_definitions",
          message: `--${flag} of oauth2-proxy is ${show(values.join(","))}: leave it out`,
        })),
    ),
};
