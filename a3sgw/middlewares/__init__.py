"""One policy per file; the file name is the kind (`ip_allow.py` is ``type = "ip-allow"``)."""
