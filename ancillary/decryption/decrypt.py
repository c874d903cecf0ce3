#!/usr/bin/env python3
"""Opens one sealed file of pi_sec_cam with the owner's private key, and appends what is in it to a file.

    python3 decrypt.py -k pi_sec_cam_private.pem -i video0.h264 -o video.h264

It appends, so that the chunks of a video can be joined by calling it once for each, in the order of their numbers.
Nothing is appended unless the whole file could be opened. It needs Python 3.9 or later and its package `cryptography`
(`pip install cryptography`), and nothing else of pi_sec_cam. The format: docs/sealed-format.md.

If the private key has a passphrase, it is asked for; scripts give it in the environment as PI_SEC_CAM_PASSPHRASE.
Exit codes: 0 done, 1 the file could not be opened (the message says why), 2 the command line is at fault.
"""

import argparse
import base64
import binascii
import contextlib
import getpass
import os
import re
import sys

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
except ImportError:
    sys.exit('decrypt.py: the Python package "cryptography" is missing; install it: pip install cryptography')

LENGTH = re.compile(rb"([1-9][0-9]{2}) ")
LENGTHS = range(172, 685)  # of RSA-1024 to RSA-4096, in base64
SMALLEST_TOKEN = 100  # no content: 57 bytes around one block of padding, in base64
CLEAR = (b"\xff\xd8\xff", b"\x00\x00\x00\x01", b"\x00\x00\x01")  # JPEG, H.264 and H.265 that was never sealed
GIVEN_IN = "PI_SEC_CAM_PASSPHRASE"


class CannotOpenError(Exception):
    """Says why, for people."""


def parts(sealed):
    """What RSA encrypted, and the Fernet token, both in good form."""
    if not sealed:
        raise CannotOpenError("empty; fetch it anew")
    if sealed.startswith(CLEAR):
        raise CannotOpenError("not sealed: a picture or video that can be used as it is")
    found = LENGTH.match(sealed)
    if found is None or int(found[1]) not in LENGTHS:
        raise CannotOpenError("not a sealed file: it does not begin with a length (172 to 684) and a blank")
    begin, end = found.end(), found.end() + int(found[1])
    if len(sealed) < end + SMALLEST_TOKEN:
        raise CannotOpenError(f"cut short: only {len(sealed)} bytes are left; fetch it anew")
    coded, token = sealed[begin:end], sealed[end:]
    try:
        # Encoded anew, because decoders pass by what is foreign or left over: an altered file would open.
        wrapped = base64.b64decode(coded)
        sound = base64.b64encode(wrapped) == coded
        sound = sound and base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)) == token
    except binascii.Error:
        sound = False
    if not sound or not token.startswith(b"gAAAA"):
        raise CannotOpenError("cut, altered or not a sealed file: what it holds is not in the right form")
    return wrapped, token


def opened(sealed, private_key):
    """What was sealed; nothing unless all of it is as it was."""
    wrapped, token = parts(sealed)
    bits = private_key.key_size
    if len(wrapped) != (bits + 7) // 8:
        raise CannotOpenError(f"sealed for an RSA key of {len(wrapped) * 8} bits, and this private key has {bits}")
    try:
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
        key = private_key.decrypt(wrapped, oaep)
    except ValueError:
        raise CannotOpenError(
            "sealed for another key than this one (or altered in its first part); take the private key that belongs to "
            "the camera's public key"
        ) from None
    try:
        return Fernet(key).decrypt(token)
    except (InvalidToken, ValueError):
        raise CannotOpenError("cut or altered after it was sealed: its checksum is wrong; fetch it anew") from None


def read_private_key(path):
    """The private key, whose passphrase is asked for where it has one: three times, if need be."""
    with open(path, "rb") as file:
        pem = file.read()
    if b"PRIVATE KEY-----" not in pem:
        raise CannotOpenError(f"{path} is no private key: it has no line with BEGIN PRIVATE KEY")
    protected = b"BEGIN ENCRYPTED PRIVATE KEY" in pem or b"Proc-Type: 4,ENCRYPTED" in pem
    given = os.environ.get(GIVEN_IN)
    tries = 3 if protected and given is None else 1
    for left in reversed(range(tries)):
        passphrase = None
        if protected:
            passphrase = getpass.getpass(f"Passphrase of {path}: ") if given is None else given
        try:
            key = serialization.load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
        except UnsupportedAlgorithm as error:
            raise CannotOpenError(f"{path} cannot be read here: {error}") from None
        except (ValueError, TypeError):
            if not protected:
                raise CannotOpenError(f"{path} is damaged, or no private key that is known here") from None
            if not left:
                raise CannotOpenError(f"this passphrase does not open {path} (or the file is damaged)") from None
            print("decrypt.py: that passphrase does not open it; once more", file=sys.stderr)
        else:
            break
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CannotOpenError(f"{path} is a private key of another kind; RSA is needed")
    return key


def append(path, data):
    """Append all of `data`, or nothing."""
    with open(path, "ab", buffering=0) as file:
        before, left = os.fstat(file.fileno()).st_size, memoryview(data)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            with contextlib.suppress(OSError):  # a pipe has no length to go back to
                file.truncate(before)
            raise


def run(key_path, sealed_path, output_path):
    """Append to the output what is in the sealed file."""
    key = read_private_key(key_path)
    with open(sealed_path, "rb") as file:
        sealed = file.read()
    if os.path.exists(output_path) and os.path.samefile(sealed_path, output_path):
        raise CannotOpenError(f"{output_path} is the sealed file itself; name another output")
    try:
        data = opened(sealed, key)
    except CannotOpenError as error:
        raise CannotOpenError(f"{sealed_path}: {error}") from None
    append(output_path, data)


def main():
    parser = argparse.ArgumentParser(
        description="Open one sealed file of pi_sec_cam with the owner's private key; append what is in it to a file.",
        epilog=f"If the key has a passphrase, it is asked for, or taken from the environment ({GIVEN_IN}).",
    )
    parser.add_argument("-k", "--private-pem", required=True, metavar="KEY", help="the private key (PEM)")
    parser.add_argument("-i", "--file-path", required=True, metavar="IN", help="the sealed file")
    parser.add_argument("-o", "--output-path", required=True, metavar="OUT", help="the file that is appended to")
    arguments = parser.parse_args()
    try:
        run(arguments.private_pem, arguments.file_path, arguments.output_path)
    except CannotOpenError as error:
        sys.exit(f"decrypt.py: {error}")
    except OSError as error:
        sys.exit(f"decrypt.py: {error.filename or arguments.output_path}: {error.strerror or error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("decrypt.py: given up")


if __name__ == "__main__":
    main()
