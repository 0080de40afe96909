# man: the manual pages.
dist_man_MANS = man/vmrunc.8 man/vmrunc.json.5
