import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Forbids the files of a folder to import others. */
function boundary(folder, forbidden, why) {
  const patterns = forbidden.map((other) => ({
    group: [`**/${other}`, `**/${other}/**`, "!@*/**"],
    message: `${folder}/ must not import ${other}/: ${why}`,
  }));
  return {
    files: [`${folder}/**/*.ts`],
    rules: { "no-restricted-imports": ["error", { patterns }] },
  };
}

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "eslint.config.mjs"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["local-cloud/**/*.ts", "operator/**/*.ts", "shared/**/*.ts"],
    rules: {
      curly: ["error", "all"],
      "@typescript-eslint/no-non-null-assertion": "error",
    },
  },
  {
    files: ["{bench,cli,components,local-cloud,operator,shared}/**/*.ts", "index.ts"],
    rules: {
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true }],
      "max-lines": ["error", { max: 400 }],
    },
  },
  {
    // A program of its own, with packages of its own: TypeScript does not know them.
    files: ["test/clients/node/*.mjs"],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      parserOptions: { projectService: false },
      globals: Object.fromEntries(
        [
          "AbortController",
          "AbortSignal",
          "console",
          "performance",
          "process",
          "setTimeout",
          "URL",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  boundary("components", ["local-cloud"], "the program does not know which cloud fulfils it."),
  boundary(
    "operator",
    ["components", "cli", "local-cloud"],
    "it knows clusters, not how they were made.",
  ),
  boundary("local-cloud", ["components"], "it fulfils any program."),
  boundary("local-cloud/machine", ["components", "aws"], "it knows the kernel and no AWS."),
  boundary(
    "shared",
    ["components", "operator", "cli", "local-cloud"],
    "all of these use it, so it depends on none of them.",
  ),
);
