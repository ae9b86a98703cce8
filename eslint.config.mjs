import jsdoc from "eslint-plugin-jsdoc";
import tseslint from "typescript-eslint";

const NAMESPACE_IMPORT =
  "import one resource: @cdktf/provider-aws/lib/vpc. The package's index loads every binding: 0.5 GB and seconds.";

export default tseslint.config(
  { ignores: ["dist/", "cdktf.out/", ".gen/", ".local/", "node_modules/"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: ["@cdktf/provider-aws", "@cdktf/provider-random"].map((name) => ({
            name,
            message: NAMESPACE_IMPORT,
          })),
        },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["constructs/**/*.ts"],
    plugins: { jsdoc },
    rules: {
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: true,
          contexts: ["ExportNamedDeclaration > TSInterfaceDeclaration", "TSPropertySignature"],
          require: { ClassDeclaration: true, FunctionDeclaration: true, MethodDefinition: false },
        },
      ],
      "jsdoc/check-tag-names": ["error", { definedTags: ["default"] }],
      "jsdoc/no-types": "error",
    },
  },
  { files: ["**/*.cjs", "*.config.js"], rules: { "@typescript-eslint/no-require-imports": "off" } },
);
