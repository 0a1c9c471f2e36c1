/** The language client, in a bundle of its own: it is four fifths of all code, and not needed before there is a server. */

export * from "vscode-languageclient/node";
