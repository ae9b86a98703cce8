/**
 * The JSON text of a value, safe to stand in a Terraform string.
 *
 * Terraform reads `${` and `%{` in every string as the start of a template, so literal ones (a shell's `${HOME}`) are
 * doubled; references to resources, which CDKTF marks as `${TfToken[…]}`, are left for it to resolve. `Fn.jsonencode`
 * is no alternative: it does not escape quotes in strings inside objects.
 *
 * @param value plain data; strings and numbers in it may be or hold tokens, lists may not be tokens
 */
export function toTerraformJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(/\$\{(?!TfToken\[)/g, "$$$${")
    .replace(/%\{/g, "%%{");
}
