"""`python -m pi_sec_cam` is the command `pi-sec-cam`."""

from pi_sec_cam.cli.main import main

main()
