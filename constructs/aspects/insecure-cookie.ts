import { oauth2ProxySettings } from "./containers";
import type { GuardRule } from "./guard-rule";

/** Browsers send oauth2-proxy's cookie over TLS only, and show it to no script. */
export const insecureCookie: GuardRule = {
  risk: "insecure-cookie",
  findings: (stack) =>
    ["cookie-secure", "cookie-httponly"].flatMap((flag) =>
      oauth2ProxySettings(stack, flag)
        // What Go's strconv.ParseBool takes for false.
        .filter(({ values }) => values.some((value) => /^(0|f|false)$/i.test(value)))
        .map(({ container: { resource } }) => ({
          resource,
          attribute: "container_definitions",
          message: `--${flag} of oauth2-proxy is false: write true`,
        })),
    ),
};
