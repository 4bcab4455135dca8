"""The students' scripts are data: they are run by the tests, and not when tests are collected."""

collect_ignore_glob = ["students/*"]
