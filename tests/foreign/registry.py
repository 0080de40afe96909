#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that only serves: what tests pull where there is no network.

    usage: registry.py PORT-FILE NAME:TAG=DIR...

DIR is an image as `podman push IMAGE dir:DIR` writes it. Prints nothing; PORT-FILE gets the port of 127.0.0.1 once it
listens. Speaks as much of the OCI distribution specification as a pull needs.
"""

import hashlib
import http.server
import json
import os
import re
import sys


class Images:
	def __init__(self, words):
		self.manifests = {}	# (name, tag or digest): bytes
		self.blobs = {}		# digest: path
		for word in words:
			reference, directory = word.split("=", 1)
			name, tag = reference.rsplit(":", 1)
			with open(os.path.join(directory, "manifest.json"), "rb") as f:
				manifest = f.read()
			for key in (tag, "sha256:" + hashlib.sha256(manifest).hexdigest()):
				self.manifests[name, key] = manifest
			for entry in os.scandir(directory):
				if re.fullmatch("[0-9a-f]{64}", entry.name):
					self.blobs["sha256:" + entry.name] = entry.path

	def find(self, path):
		"""The content type and the bytes of a path below /v2/, or None."""
		m = re.fullmatch(r"/v2/(?:(.+)/(manifests|blobs)/([^/]+))?", path)
		if not m:
			return None
		name, kind, key = m.groups()
		if kind is None:
			return "application/json", b"{}"
		if kind == "manifests" and (name, key) in self.manifests:
			manifest = self.manifests[name, key]
			return json.loads(manifest).get("mediaType", "application/vnd.oci.image.manifest.v1+json"), manifest
		if kind == "blobs" and key in self.blobs:
			with open(self.blobs[key], "rb") as f:
				return "application/octet-stream", f.read()
		return None


class Handler(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def do_GET(self):
		found = self.server.images.find(self.path)
		kind, content = found or ("application/json", b'{"errors": [{"code": "NAME_UNKNOWN", "message": "not here"}]}')
		self.send_response(200 if found else 404)
		self.send_header("Content-Type", kind)
		self.send_header("Content-Length", str(len(content)))
		self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
		self.end_headers()
		if self.command == "GET":
			self.wfile.write(content)

	do_HEAD = do_GET

	def log_message(self, *_args):
		pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.images = Images(sys.argv[2:])
with open(sys.argv[1] + ".new", "w") as f:
	print(server.server_address[1], file=f)
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
