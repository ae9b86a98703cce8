import { show } from "../checks";
import { oauth2ProxySettings } from "./containers";
import type { GuardRule } from "./guard-rule";

/** The identity provider sends people back over TLS, to an address that no request can choose. */
export const httpRedirect: GuardRule = {
  risk: "http-redirect",
  findings: (stack) =>
    oauth2ProxySettings(stack, "redirect-url")
      .filter(({ values, given }) => !given || values.some((value) => !value.startsWith("https://")))
      .map(({ container: { resource }, values }) => {
        const found =
          values.length === 0 ? "is missing, so each request's Host decides" : show(values.join(","));
        const message = `--redirect-url of oauth2-proxy: ${found}: write https://…/oauth2/callback`;
        return { resource, attribute: "container_definitions", message };
      }),
};
