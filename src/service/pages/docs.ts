// Makes the page that shows the API description. Swagger UI draws it; the look is that of our other pages.

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Touchstone API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<nav><a href="/">Touchstone</a> <a href="/openapi.yaml">openapi.yaml</a> <a href="/openapi.json">openapi.json</a></nav>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
`;

export const DOCS_SCRIPT = `"use strict";
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
});
`;

/** Colours of the page around Swagger UI; its own sheet is light, so the page is. */
export const DOCS_STYLE = `body { margin: 0; background: #fff; }
nav { display: flex; gap: 1.5rem; padding: .9rem 1.25rem; background: #1d2126; font: 15px/1.4 system-ui, sans-serif; }
nav a { color: #cfd6dd; text-decoration: none; }
nav a:first-child { color: #fff; font-weight: 600; margin-right: auto; }
nav a:hover { text-decoration: underline; }
.swagger-ui .info { margin: 2rem 0; }
.swagger-ui .info hgroup.main a { display: none; }
`;
