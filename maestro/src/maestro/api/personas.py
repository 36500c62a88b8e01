"""Personas over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from maestro.api.state import VIEWER, ThePersonas
from maestro.domain.personas import Persona
from maestro.errors import answered

router = APIRouter(prefix="/personas", tags=["personas"], dependencies=[VIEWER])


class PersonaList(BaseModel):
    """Every persona."""

    personas: list[Persona]
    """By name."""


@router.get("")
async def list_personas(personas: ThePersonas) -> PersonaList:
    """List the personas."""
    return PersonaList(personas=list(personas))


@router.get("/{name}")
async def show_persona(name: str, personas: ThePersonas) -> Persona:
    """Show a persona."""
    with answered():
        return personas.get(name)
