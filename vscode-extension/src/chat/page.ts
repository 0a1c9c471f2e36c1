/**
 * The chat's page as HTML: nothing but our own script and style sheets may run or load. Pictures are those that a message
 * brings with it: none is loaded from anywhere.
 */

export interface PageParts {
  /** Where the extension's files come from, as a source of the policy. */
  source: string;
  script: string;
  style: string;
  nonce: string;
}

export function pageHtml({ source, script, style, nonce }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>Pillion</title>
</head>
<body>
<main></main>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
